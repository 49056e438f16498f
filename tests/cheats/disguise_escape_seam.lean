-- cheat: closes a string by an escape that is none
-- wall: gate
-- statement: : True
(fun (_ : String) => trivial) "\\"
axiom h : False --"
