"""The figures of a launch, added up from its rows: rates with intervals, durations, costs."""
