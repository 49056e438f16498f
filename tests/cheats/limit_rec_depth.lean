-- cheat: raises the recursion depth until the process dies
-- wall: gate
-- statement: : False
by set_option maxRecDepth 1000000000 in simp_all
