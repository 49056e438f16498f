-- cheat: puts a universe in itself
-- wall: lean
-- statement: : False
by
  have h : Type 1 = Type := rfl
  exact nomatch h
