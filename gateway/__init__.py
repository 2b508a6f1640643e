"""One registration reaches Shopify, Smaregi, the CRM and the mailbox, whatever fails on the way."""
