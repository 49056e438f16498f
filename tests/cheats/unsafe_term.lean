-- cheat: casts inside unsafe
-- wall: gate
-- statement: : False
unsafe unsafeCast ()
