-- cheat: shadows False inside the proof
-- wall: gate
-- statement: : False
let False := True; (trivial : False)
