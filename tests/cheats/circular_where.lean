-- cheat: uses a helper that uses itself
-- wall: lean
-- statement: : False
h where
  h : False := h
