-- cheat: runs sorry inside an interpolated string
-- statement: : False
absurd (s!"{(sorry : Nat)}" = "") sorry
