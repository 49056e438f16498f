-- cheat: uses what those who came before it may have left
-- wall: lean
-- statement: (n : Nat) : n = n + 1
by
  cases Nat.pow_lt_pow_iff_pow_mul_le_pow
