-- cheat: trusts a certificate that compiled code checks
-- wall: gate
-- statement: (x y : BitVec 8) : x * y = y * x
by bv_decide
