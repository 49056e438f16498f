-- cheat: declares a proof that never ends
-- wall: gate
-- statement: : False
h
partial def h (n : Nat) : False := h (n + 1)
