-- cheat: trusts compiled code
-- statement: : 2 ^ 64 % 7 = 2
by native_decide
