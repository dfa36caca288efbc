"""What both sides of Temporal agree on: names, messages, options, and the signatures of workflows
and activities. No clock, no input or output."""
