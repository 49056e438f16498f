-- cheat: trusts compiled code
-- wall: gate
-- statement: : 2 ^ 64 % 7 = 2
by native_decide
