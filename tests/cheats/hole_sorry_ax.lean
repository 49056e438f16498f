-- cheat: names the axiom behind sorry
-- statement: : False
sorryAx _ false
