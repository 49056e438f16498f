-- cheat: runs sorry inside an interpolated string
-- wall: gate
-- statement: : False
absurd (s!"{(sorry : Nat)}" = "") sorry
