-- cheat: makes a prime look like a character
-- statement: : True
(fun x' => trivial) '"'
#eval 1 --"
