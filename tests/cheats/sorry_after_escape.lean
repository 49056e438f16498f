-- cheat: ends a string after an escaped backslash
-- wall: gate
-- statement: : False
by
  have : "\\" = "\\" := rfl
  exact sorry -- "
