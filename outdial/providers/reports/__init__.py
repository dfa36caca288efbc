"""Reading what providers report: fields of JSON that may be absent, instants, status words, SIP
responses, analyses, and lists of calls."""
