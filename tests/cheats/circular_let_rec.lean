-- cheat: uses a local helper that never ends
-- wall: lean
-- statement: : False
by
  let rec f (n : Nat) : False := f (n + 1)
  exact f 0
