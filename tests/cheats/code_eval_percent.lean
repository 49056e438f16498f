-- cheat: evaluates a term at elaboration
-- statement: : 1 = 2
eval% sorry
