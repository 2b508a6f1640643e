"""The documents about orders, and about the discount codes that they use."""

from gateway.shopify.document import Document
from gateway.wire import Access

__all__ = ["DISCOUNT", "DISCOUNT_BY_CODE", "DISCOUNT_END", "ORDER", "ORDERS"]

_ORDERS = "read_orders"
_MONEY = "{ shopMoney { amount } }"

ORDER = Document(
    "order",
    Access.READ,
    109,
    f"""query ReadOrder($id: ID!, $first: Int!, $after: String) {{
  order(id: $id) {{
    id createdAt updatedAt cancelledAt test sourceName checkoutToken currencyCode taxesIncluded
    displayFinancialStatus displayFulfillmentStatus discountCodes
    customer {{ id defaultEmailAddress {{ emailAddress }} }}
    currentSubtotalPriceSet {_MONEY} currentTotalTaxSet {_MONEY} currentShippingPriceSet {_MONEY}
    currentTotalDutiesSet {_MONEY} currentTotalAdditionalFeesSet {_MONEY}
    totalTipReceivedSet {_MONEY} totalOutstandingSet {_MONEY} netPaymentSet {_MONEY}
    transactions(first: 50) {{ kind status processedAt }}
    lineItems(first: $first, after: $after) {{
      nodes {{
        isGiftCard quantity currentQuantity originalTotalSet {_MONEY}
        discountAllocations {{
          allocatedAmountSet {_MONEY}
          discountApplication {{ ... on DiscountCodeApplication {{ code }} }}
        }}
        priceAfterAllDiscountsBeforeTaxesSet {_MONEY}
      }}
      pageInfo {{ hasNextPage endCursor }}
    }}
  }}
}}""",
    _ORDERS,
)

ORDERS = Document(
    "orders",
    Access.READ,
    11,
    """query ListOrders($first: Int!, $after: String, $query: String, $sort: OrderSortKeys!) {
  orders(first: $first, after: $after, query: $query, sortKey: $sort) {
    nodes { id createdAt updatedAt discountCodes }
    pageInfo { hasNextPage endCursor }
  }
}""",
    _ORDERS,
)

_DISCOUNT_READ, _DISCOUNT_WRITE = "read_discounts", "write_discounts"
_CODE = """{
    id codeDiscount { ... on DiscountCodeBasic { status asyncUsageCount } }
  }"""

DISCOUNT = Document(
    "discountCodeBasicCreate",
    Access.WRITE,
    11,
    f"""mutation CreateDiscount($discount: DiscountCodeBasicInput!) {{
  discountCodeBasicCreate(basicCodeDiscount: $discount) {{
    codeDiscountNode {_CODE}
    userErrors {{ code field message }}
  }}
}}""",
    _DISCOUNT_WRITE,
)

DISCOUNT_BY_CODE = Document(
    "codeDiscountNodeByCode",
    Access.READ,
    2,
    f"""query FindDiscount($code: String!) {{
  codeDiscountNodeByCode(code: $code) {_CODE}
}}""",
    _DISCOUNT_READ,
)

DISCOUNT_END = Document(
    "discountCodeDeactivate",
    Access.WRITE,
    10,
    """mutation EndDiscount($id: ID!) {
  discountCodeDeactivate(id: $id) {
    codeDiscountNode { id }
    userErrors { code field message }
  }
}""",
    _DISCOUNT_WRITE,
)
