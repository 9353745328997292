"""Where does the service listen?"""

import socket

from pip_api.settings import Settings, StartRefused


def take_address(settings: Settings) -> socket.socket:
    """The address, taken before anything else is done. Raises StartRefused."""
    listener = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen()  # without it another start could take the same address
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        taken = f"Cannot listen on {settings.host} port {settings.port}: {reason}"
        raise StartRefused(f"{taken}; choose another with PIP_HOST and PIP_PORT.") from error
    return listener
