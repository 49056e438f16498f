-- cheat: shadows False inside the proof
-- wall: lean
-- statement: : False
let False := True; (trivial : False)
