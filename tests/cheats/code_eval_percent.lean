-- cheat: evaluates a term at elaboration
-- wall: gate
-- statement: : 1 = 2
eval% sorry
