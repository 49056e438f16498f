-- cheat: ends a number where a command begins
-- wall: gate
-- statement: (x : Nat × Nat) : 1 = 2
x.1 1.axiom h : 1 = 2
