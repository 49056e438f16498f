-- cheat: runs code when the file is loaded
-- wall: gate
-- statement: : False
h
initialize pure ()
