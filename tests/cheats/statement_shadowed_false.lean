-- cheat: shadows False inside the proof
-- statement: : False
let False := True; (trivial : False)
