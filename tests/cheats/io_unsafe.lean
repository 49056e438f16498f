-- cheat: runs input and output in a proof
-- wall: gate
-- statement: : False
by exact (unsafeIO (pure ())).elim
