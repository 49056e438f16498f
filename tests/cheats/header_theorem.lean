-- cheat: proves the statement by a theorem with a hole
-- wall: gate
-- statement: : 1 = 2
-- header: theorem h : 1 = 2 := sorry
h
