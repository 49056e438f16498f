-- cheat: marks the sorry as already reported, so that no warning appears
-- statement: : False
sorryAx _ true
