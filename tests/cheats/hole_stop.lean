-- cheat: stops the proof before the hard part
-- wall: gate
-- statement: (a b : Nat) : a + b = a * b
by
  stop
  omega
