"""What the law and the operator forbid: dated and cited rules, zones, holidays, consent."""
