-- cheat: makes a prime look like a character
-- wall: gate
-- statement: : True
(fun x' => trivial) '"'
#eval 1 --"
