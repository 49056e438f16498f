-- cheat: runs sorry inside an interpolated string
-- wall: gate
-- statement: : False
by
  have h := s!"{(sorry : False)}"
  exact (sorry : h = h → False) rfl
