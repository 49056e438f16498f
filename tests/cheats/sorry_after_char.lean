-- cheat: ends a string that the reader of characters began
-- wall: gate
-- statement: : False
by
  have : ('"' : Char) = '"' := rfl
  exact sorry -- '"'
