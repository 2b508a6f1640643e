"""Stand-ins for the upstream systems that are too fast to matter: canned answers over raw asyncio.

They keep no more than what makes the answers honest: ids are unique, a member list shows whoever
was created, an e-mail is taken once. They check nothing; `gateway.sandbox` is the strict one.
"""
