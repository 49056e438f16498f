-- cheat: uses itself by its full name
-- wall: gate
-- statement: : False
_root_.stp_target
