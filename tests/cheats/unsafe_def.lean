-- cheat: declares an unsafe proof
-- wall: gate
-- statement: : False
h
unsafe def h : False := h
