-- cheat: hides sorry behind a trace
-- wall: gate
-- statement: : False
dbg_trace "x"; sorry
