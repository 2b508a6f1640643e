"""How to mend what an upstream's error says: each hint names the settings of that system alone."""

from gateway.app.config import Config
from gateway.channels.smaregi.transport import POINTS
from gateway.errors import Cause, ErrorClass, IdentityError, UpstreamError

__all__ = ["mend"]

_ALWAYS = {
    ErrorClass.RATE_LIMIT: "wait a moment and check again",
    ErrorClass.UNAVAILABLE: "the system has trouble of its own: check again later",
}
_MAIL_CAUSES = {
    Cause.REFUSED: "check SMTP_HOST and SMTP_PORT: nothing listens there",
    Cause.NO_TLS: "check SMTP_PORT, or set SMTP_TLS=starttls: TLS is not begun at once there",
    Cause.NO_STARTTLS: (
        "check SMTP_PORT and SMTP_TLS: that server offers no STARTTLS. Use its port with TLS "
        "(SMTP_PORT=465, SMTP_TLS=implicit); SMTP_TLS=none is for a server on loopback"
    ),
    Cause.NO_LOGIN: (
        "check SMTP_PORT and SMTP_TLS: that server offers no login. Where none is wanted, take "
        "SMTP_USERNAME and SMTP_PASSWORD out"
    ),
    Cause.SILENT: "check SMTP_PORT: no mail server greets there",
    Cause.PROTOCOL: "check SMTP_PORT: what answers there is no mail server",
}
_POINTS = {"post transaction", "list transactions", "read stores"}
_CLIENT = "SMAREGI_CONTRACT_ID, SMAREGI_CLIENT_ID and SMAREGI_CLIENT_SECRET"


def mend(error: UpstreamError, config: Config) -> str:
    """What to do, then what was said: one line."""
    if isinstance(error, IdentityError):
        return error.reason or str(error)
    hint = _hint(error, config) or "see what the system's own console says of it"
    return f"{hint} ({error.error_class}; {error})"


def _hint(error: UpstreamError, config: Config) -> str | None:
    address = _address(error, config)
    if error.cause is not None:
        return _by_cause(error.cause, error.system, address, config)
    if error.error_class is ErrorClass.TIMEOUT:
        return f"check {address}, the network and the firewall"
    if error.error_class is ErrorClass.CONNECTION:
        return f"check {address}: what listens there closed the connection"
    return _ALWAYS.get(error.error_class) or _by_class(error, address, config)


def _address(error: UpstreamError, config: Config) -> str:
    """The settings that say where the system is."""
    match error.system:
        case "shopify":
            return "SHOPIFY_BASE_URL" if config.shopify.shopify_base_url else "SHOPIFY_STORE"
        case "smaregi":
            return "SMAREGI_ID_URL" if error.operation == "token" else "SMAREGI_API_URL"
        case "crm":
            return "HUBSPOT_BASE_URL"
        case "email":
            return "SMTP_HOST and SMTP_PORT"
        case system:
            return _addresses_in(config, system)


def _addresses_in(config: Config, system: str) -> str:
    """Of a channel that says nothing more: its variables that hold an address."""
    section = config.sections.get(system)
    names = [name for name, _, _ in section.variables()] if section is not None else []
    return " and ".join(n for n in names if n.endswith(("_URL", "_HOST"))) or "its settings"


def _by_cause(cause: Cause, system: str, address: str, config: Config) -> str:
    if system in {"email", "alerts"}:
        if cause is Cause.SILENT and config.email.smtp_port == 465:  # RFC 8314
            return "set SMTP_TLS=implicit: a server on SMTP_PORT 465 begins with TLS"
        if (hint := _MAIL_CAUSES.get(cause)) is not None:
            return hint
        address = "SMTP_HOST"
    match cause:
        case Cause.NAME:
            return f"check {address}: there is no such host, or no name server is reached"
        case Cause.REFUSED:
            return f"check {address}, its port too: nothing listens there"
        case Cause.UNREACHABLE:
            return f"check {address}, the network and the firewall"
        case Cause.CERTIFICATE:
            return f"check {address}, this machine's clock and its CA certificates"
        case _:
            return f"check {address}: is its port right? No such server answers there"


def _by_class(error: UpstreamError, address: str, config: Config) -> str | None:
    match error.system, error.error_class:
        case "shopify", ErrorClass.AUTH:
            return _shopify_refuses(error, config)
        case "shopify", ErrorClass.INVALID_DATA if error.status == 402:
            return "open the shop's admin: Shopify has frozen it until its bill is paid"
        case "shopify", ErrorClass.INVALID_DATA:
            return f"check {address} and SHOPIFY_API_VERSION: there is no such shop, or version"
        case "shopify", ErrorClass.UNEXPECTED:
            return f"check {address}: it should be the shop's own domain, …myshopify.com"
        case "smaregi", ErrorClass.AUTH if error.operation == "token":
            return f"check {_CLIENT}: Smaregi gives no token for them; its sandbox has its own"
        case "smaregi", ErrorClass.AUTH if error.operation in _POINTS:
            return f"grant the app {', '.join(POINTS.names)}, and check POINTS_STORE_ID"
        case "smaregi", ErrorClass.AUTH:
            return "grant the app pos.customers:read and pos.customers:write at Smaregi Developers"
        case "smaregi", ErrorClass.INVALID_DATA:
            return f"check SMAREGI_CONTRACT_ID and {address}"
        case "crm", ErrorClass.AUTH if error.status == 403:
            return "grant the key the scope crm.objects.contacts.read, or check its account"
        case "crm", ErrorClass.AUTH:
            return "check HUBSPOT_ACCESS_TOKEN: HubSpot refuses it"
        case "crm", ErrorClass.INVALID_DATA:
            return f"check {address} and HUBSPOT_API_VERSION"
        case "email" | "alerts", ErrorClass.AUTH if error.status == 530:
            return "check SMTP_USERNAME, SMTP_PASSWORD and SMTP_TLS: the server wants a login"
        case "email" | "alerts", ErrorClass.AUTH:
            return "check SMTP_USERNAME and SMTP_PASSWORD: the server refuses them"
        case _, ErrorClass.UNEXPECTED:
            return f"check {address}: another kind of server answers there"
    return None


def _shopify_refuses(error: UpstreamError, config: Config) -> str:
    if error.status == 200:  # a refusal inside of GraphQL
        return "grant the app its scopes, and protected customer data access"
    if config.shopify.shopify_access_token is not None:
        return "check SHOPIFY_ACCESS_TOKEN: Shopify refuses it"
    return (
        "check SHOPIFY_CLIENT_ID and SHOPIFY_CLIENT_SECRET, and that the app is installed in the "
        "shop: Shopify refuses them"
    )
