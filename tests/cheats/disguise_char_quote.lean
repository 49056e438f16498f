-- cheat: opens a string for the reader with a quote character
-- wall: gate
-- statement: : True
(fun (_ : Char) => trivial) '"'
axiom h : False --"
