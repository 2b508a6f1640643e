"""The CRM: `CRM_PROVIDER` chooses among the adapters in this room."""

from typing import TYPE_CHECKING

from gateway import at_first_use

if TYPE_CHECKING:
    from gateway.channels.crm.settings import CrmSettings
    from gateway.channels.crm.spec import SPEC

__all__ = ["SPEC", "CrmSettings"]

__getattr__ = at_first_use(__name__, {"settings": "CrmSettings", "spec": "SPEC"})
