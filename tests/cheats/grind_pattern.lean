-- cheat: adds a pattern for grind
-- wall: gate
-- statement: : 1 = 2
by grind
grind_pattern absurd => a
