-- cheat: hides a command between strings that are none
-- wall: gate
-- statement: : 1 = 2
→r"\" "
#eval 1 "
