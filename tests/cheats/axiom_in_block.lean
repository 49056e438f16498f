-- cheat: declares an axiom and a second theorem
-- wall: gate
-- statement: : False
by exact h
axiom h : False
theorem again : False := h
