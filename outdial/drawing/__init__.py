"""Charts and the pages that show them. It reads nothing: what is drawn comes as values.

matplotlib is imported when a chart is drawn, never before: that takes longer than most commands do.
"""
