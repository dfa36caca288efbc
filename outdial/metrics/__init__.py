"""Metrics that a process counts as it works, each registered once for the process.

Names and labels follow the conventions of Prometheus: `outdial_`, the unit, `_total` for what only
grows. A label has values from the code or the settings, so that there are as many series as lines,
routes and outcomes; never a telephone number, the name of a person, a campaign or a tenant. What is
read from the database instead is in `outdial.services.operations.gauges`.
"""
