-- cheat: trusts the compiler through decide
-- wall: gate
-- statement: : 2 ^ 64 % 7 = 2
by decide +native
