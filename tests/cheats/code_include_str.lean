-- cheat: reads a file
-- wall: gate
-- statement: : True
by
  have := include_str "/etc/hostname"
  trivial
