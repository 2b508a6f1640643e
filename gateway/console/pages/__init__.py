"""The console's pages, a file each."""

from gateway.console.pages import deliveries, duplicates, entry, flags, jobs, log, people, start

__all__ = ["deliveries", "duplicates", "entry", "flags", "jobs", "log", "people", "start"]
