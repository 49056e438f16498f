-- cheat: forgets that natural subtraction stops at zero
-- wall: lean
-- statement: (a b : Nat) : a - b + b = a
by omega
