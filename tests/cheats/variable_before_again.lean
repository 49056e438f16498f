-- cheat: assumes it and states the theorem again
-- wall: gate
-- statement: : False
h
variable (h : False)
theorem stp_target : False := h
